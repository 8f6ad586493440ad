/**
 * Small ONNX graphs without weights, written here so that a comparison can have any shapes.
 * Format: onnx.proto3 (ModelProto), IR version 8, opset 17.
 */

export type ElementType = 'float32' | 'float16';

export interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
}

/** All inputs and outputs are of `type`. */
export interface OnnxGraph {
  readonly type: ElementType;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

const IR_VERSION = 8;
const OPSET = 17;
const ELEMENT = { float32: 1, float16: 10 } as const;

type Bytes = readonly number[];

function varint(value: number): Bytes {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return [...out, rest];
}

const number = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];

function message(field: number, parts: readonly Bytes[]): Bytes {
  const body = parts.flat();
  return [...varint(field * 8 + 2), ...varint(body.length), ...body];
}

const text = (field: number, value: string): Bytes => message(field, [[...new TextEncoder().encode(value)]]);

const node = ({ op, inputs, output }: Node): Bytes =>
  message(1, [...inputs.map((name) => text(1, name)), text(2, output), text(3, output), text(4, op)]);

function value(field: number, { name, dims }: Value, type: ElementType): Bytes {
  const shape = message(
    2,
    dims.map((length) => message(1, [number(1, length)])),
  );
  return message(field, [text(1, name), message(2, [message(1, [number(1, ELEMENT[type]), shape])])]);
}

/** The bytes of a model that `InferenceSession.create` takes. */
export function onnxModel({ type, nodes, inputs, outputs }: OnnxGraph): Uint8Array<ArrayBuffer> {
  const graph = message(7, [
    ...nodes.map(node),
    text(2, 'bench'),
    ...inputs.map((input) => value(11, input, type)),
    ...outputs.map((output) => value(12, output, type)),
  ]);
  return Uint8Array.from([
    ...number(1, IR_VERSION),
    ...graph,
    ...message(8, [text(1, ''), number(2, OPSET)]),
  ]);
}
