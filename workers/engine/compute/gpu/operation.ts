/** Pipelines and constants of one device, and operations: one command encoder, one compute pass, its temporaries. */
import { KERNELS, type Binding, type KernelName } from './kernels';

const BUFFER_TYPES: Readonly<Record<Binding, GPUBufferBindingType>> = {
  uniform: 'uniform',
  read: 'read-only-storage',
  write: 'storage',
};

/** A device's pipelines, each made once, on first use. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #made = new Map<string, GPUComputePipeline>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** `head` goes before the kernel's text: enables, aliases, constants. */
  get(name: KernelName, head: string, layout: GPUBindGroupLayout): GPUComputePipeline {
    const key = `${name}\n${head}`;
    const made = this.#made.get(key);
    if (made !== undefined) return made;
    const pipeline = this.#device.createComputePipeline({
      label: name,
      layout: this.#device.createPipelineLayout({ label: name, bindGroupLayouts: [layout] }),
      compute: {
        module: this.#device.createShaderModule({ label: name, code: head + KERNELS[name].code }),
        entryPoint: 'main',
      },
    });
    this.#made.set(key, pipeline);
    return pipeline;
  }

  layout(bindings: readonly Binding[]): GPUBindGroupLayout {
    const key = bindings.join(' ');
    const made = this.#layouts.get(key);
    if (made !== undefined) return made;
    const layout = this.#device.createBindGroupLayout({
      label: key,
      entries: bindings.map((binding, i) => ({
        binding: i,
        // GPUShaderStage.COMPUTE; the constant's object does not exist outside a browser.
        visibility: 4,
        buffer: { type: BUFFER_TYPES[binding] },
      })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }
}

/** Bytes of a piece; what is larger gets a buffer of its own. */
const PIECE = 1 << 16;

/** A buffer for constants, and what is to be written to it. */
interface Piece {
  readonly buffer: GPUBuffer;
  readonly words: Uint32Array<ArrayBuffer>;
}

/**
 * Buffers for what kernels are told, used again and again: to make a filled one takes a graphics card's driver ten
 * times as long as to record a dispatch. An operation writes a piece when it is submitted, in the queue's order, so
 * the next one may have it at once.
 */
export class Constants {
  /** Of where a binding may begin. */
  readonly alignment: number;
  readonly #device: GPUDevice;
  readonly #idle: Piece[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
    const { minUniformBufferOffsetAlignment, minStorageBufferOffsetAlignment } = device.limits;
    this.alignment = Math.max(minUniformBufferOffsetAlignment, minStorageBufferOffsetAlignment);
  }

  /** A buffer of its own, which whoever asks destroys. */
  make(label: string, size: number): GPUBuffer {
    const { UNIFORM, STORAGE, COPY_DST } = GPUBufferUsage;
    return this.#device.createBuffer({ label, size, usage: UNIFORM | STORAGE | COPY_DST });
  }

  take(): Piece {
    return this.#idle.pop() ?? { buffer: this.make('constants', PIECE), words: new Uint32Array(PIECE / 4) };
  }

  give(piece: Piece): void {
    this.#idle.push(piece);
  }

  dispose(): void {
    for (const { buffer } of this.#idle.splice(0)) buffer.destroy();
  }
}

/** A dispatch's workgroups along x, y, z. */
export type Workgroups = readonly [number, number?, number?];

/** Commands that belong together; temporaries are destroyed once they are submitted. */
export class Operation {
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  readonly #constants: Constants;
  readonly #label: string;
  readonly #encoder: GPUCommandEncoder;
  readonly #temporaries: GPUBuffer[] = [];
  readonly #pieces: { readonly piece: Piece; used: number }[] = [];
  #pass: GPUComputePassEncoder | undefined;

  constructor(device: GPUDevice, pipelines: Pipelines, constants: Constants, label: string) {
    this.#device = device;
    this.#pipelines = pipelines;
    this.#constants = constants;
    this.#label = label;
    this.#encoder = device.createCommandEncoder({ label });
  }

  /** A buffer for kernels only, which lives as long as the operation. */
  temporary(label: string, bytes: number): GPUBuffer {
    const buffer = this.#device.createBuffer({
      label: `${this.#label}: ${label}`,
      size: bytes,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    });
    this.#temporaries.push(buffer);
    return buffer;
  }

  /** Parameters: first the struct's u32 members, then its f32 ones. */
  parameters(integers: readonly number[], floats: readonly number[] = []): GPUBufferBinding {
    const words = new Uint32Array(Math.ceil((integers.length + floats.length) / 4) * 4);
    words.set(integers);
    new Float32Array(words.buffer).set(floats, integers.length);
    return this.constant('parameters', words);
  }

  /** Read-only data for dispatches: a uniform (a multiple of 16 bytes) or storage. */
  constant(label: string, data: Float32Array | Uint32Array): GPUBufferBinding {
    const { byteLength: size } = data;
    if (size > PIECE) {
      const buffer = this.#constants.make(`${this.#label}: ${label}`, size);
      this.#device.queue.writeBuffer(buffer, 0, data.buffer, data.byteOffset, size);
      this.#temporaries.push(buffer);
      return { buffer };
    }
    const { alignment } = this.#constants;
    let last = this.#pieces.at(-1);
    let offset = Math.ceil((last?.used ?? 0) / alignment) * alignment;
    if (last === undefined || offset + size > PIECE) {
      last = { piece: this.#constants.take(), used: 0 };
      offset = 0;
      this.#pieces.push(last);
    }
    last.piece.words.set(new Uint32Array(data.buffer, data.byteOffset, data.length), offset / 4);
    last.used = offset + size;
    return { buffer: last.piece.buffer, offset, size };
  }

  run(
    name: KernelName,
    head: string,
    resources: readonly (GPUBuffer | GPUBufferBinding)[],
    workgroups: Workgroups,
  ): void {
    this.#pass ??= this.#encoder.beginComputePass({ label: this.#label });
    const pass = this.#pass;
    const { bindings } = KERNELS[name];
    // What a kernel binds last it may bind several times: the merge has as many outputs as there is room for.
    const bound = resources.map((_, i) => bindings[Math.min(i, bindings.length - 1)]);
    const layout = this.#pipelines.layout(bound);
    pass.setPipeline(this.#pipelines.get(name, head, layout));
    pass.setBindGroup(
      0,
      this.#device.createBindGroup({
        label: name,
        layout,
        entries: resources.map((resource, binding) => ({
          binding,
          resource: 'buffer' in resource ? resource : { buffer: resource },
        })),
      }),
    );
    pass.dispatchWorkgroups(workgroups[0], workgroups[1] ?? 1, workgroups[2] ?? 1);
  }

  copy(from: GPUBuffer, to: GPUBuffer, bytes: number): void {
    this.#endPass();
    this.#encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
  }

  submit(): void {
    this.#endPass();
    const { queue } = this.#device;
    for (const { piece, used } of this.#pieces) queue.writeBuffer(piece.buffer, 0, piece.words, 0, used / 4);
    queue.submit([this.#encoder.finish({ label: this.#label })]);
    // Work already submitted keeps what it uses.
    for (const buffer of this.#temporaries) buffer.destroy();
    for (const { piece } of this.#pieces) this.#constants.give(piece);
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
