/**
 * Small ONNX graphs without weights, for products of any shapes, and a pack's graph with its weights put
 * back. Format: onnx.proto3 (ModelProto), IR version 8, opset 17.
 */

export type ElementType = 'float32' | 'float16';

export interface Value {
  readonly name: string;
  /** A name stands for a length that only the run says. */
  readonly dims: readonly (number | string)[];
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Einsum's only attribute. */
  readonly equation?: string;
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
const GRAPH = 7;
const INITIALIZER = 5;
const INPUT = 11;
/** Of AttributeProto. */
const STRING = 3;
const ELEMENT = { float32: 1, float16: 10 } as const;

type Bytes = Uint8Array<ArrayBuffer>;

function join(parts: readonly Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function varint(value: number): Bytes {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Uint8Array.from([...out, rest]);
}

const number = (field: number, value: number): Bytes => join([varint(field * 8), varint(value)]);
const bytes = (field: number, body: Bytes): Bytes => join([varint(field * 8 + 2), varint(body.length), body]);
const message = (field: number, parts: readonly Bytes[]): Bytes => bytes(field, join(parts));
const text = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value));

const node = ({ op, inputs, output, equation }: Node): Bytes =>
  message(1, [
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, output),
    text(4, op),
    ...(equation === undefined
      ? []
      : [message(5, [text(1, 'equation'), text(4, equation), number(20, STRING)])]),
  ]);

function value(field: number, { name, dims }: Value, type: ElementType): Bytes {
  const shape = message(
    2,
    dims.map((length) => message(1, [typeof length === 'number' ? number(1, length) : text(2, length)])),
  );
  return message(field, [text(1, name), message(2, [message(1, [number(1, ELEMENT[type]), shape])])]);
}

/** The bytes of a model that `InferenceSession.create` takes. */
export function onnxModel({ type, nodes, inputs, outputs }: OnnxGraph): Bytes {
  const graph = message(GRAPH, [
    ...nodes.map(node),
    text(2, 'likewise'),
    ...inputs.map((input) => value(INPUT, input, type)),
    ...outputs.map((output) => value(12, output, type)),
  ]);
  return join([number(1, IR_VERSION), graph, message(8, [text(1, ''), number(2, OPSET)])]);
}

interface Field {
  readonly field: number;
  /** The whole field, and for a message or string what is in it. */
  readonly whole: Bytes;
  readonly body: Bytes;
}

/** The fields of a message, in order. @throws for wire types that ONNX does not use at these levels */
function fieldsOf(data: Bytes): Field[] {
  const out: Field[] = [];
  let at = 0;
  const next = (): number => {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = data[at++];
      result += (byte % 128) * scale;
      if (byte < 128) return result;
    }
  };
  while (at < data.length) {
    const start = at;
    const tag = next();
    const wire = tag % 8;
    let body = new Uint8Array(0);
    if (wire === 2) {
      const length = next();
      body = data.subarray(at, at + length);
      at += length;
    } else if (wire === 0) next();
    else throw new Error(`wire type ${wire} in an ONNX model`);
    out.push({ field: Math.floor(tag / 8), whole: data.subarray(start, at), body });
  }
  return out;
}

/** `bytes`: little-endian values, row-major. */
export interface Constant {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly bytes: Bytes;
}

/** The same model with some of its inputs as constants, which is how exporters write weights. */
export function withConstants(model: Bytes, constants: ReadonlyMap<string, Constant>): Bytes {
  const nameOf = (input: Bytes): string => {
    const name = fieldsOf(input).find(({ field }) => field === 1);
    return new TextDecoder().decode(name?.body);
  };
  const initializers = [...constants].map(([name, constant]) =>
    message(INITIALIZER, [
      ...constant.dims.map((length) => number(1, length)),
      number(2, ELEMENT[constant.type]),
      text(8, name),
      bytes(9, constant.bytes),
    ]),
  );
  const parts = fieldsOf(model).map(({ field, whole, body }) => {
    if (field !== GRAPH) return whole;
    const kept = fieldsOf(body).filter((part) => part.field !== INPUT || !constants.has(nameOf(part.body)));
    return message(GRAPH, [...kept.map((part) => part.whole), ...initializers]);
  });
  return join(parts);
}
