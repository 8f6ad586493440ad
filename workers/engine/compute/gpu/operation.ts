/** Pipelines of one device, and operations: one command encoder, one compute pass, its temporaries. */
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

/** A dispatch's workgroups along x, y, z. */
export type Workgroups = readonly [number, number?, number?];

/** Commands that belong together; temporaries are destroyed once they are submitted. */
export class Operation {
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  readonly #label: string;
  readonly #encoder: GPUCommandEncoder;
  readonly #temporaries: GPUBuffer[] = [];
  #pass: GPUComputePassEncoder | undefined;

  constructor(device: GPUDevice, pipelines: Pipelines, label: string) {
    this.#device = device;
    this.#pipelines = pipelines;
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
  parameters(integers: readonly number[], floats: readonly number[] = []): GPUBuffer {
    const words = new Uint32Array(Math.ceil((integers.length + floats.length) / 4) * 4);
    words.set(integers);
    new Float32Array(words.buffer).set(floats, integers.length);
    return this.#filled('parameters', words, GPUBufferUsage.UNIFORM);
  }

  /** Read-only data for one dispatch: a uniform (a multiple of 16 bytes) or storage. */
  constant(label: string, data: Float32Array | Uint32Array, kind: 'uniform' | 'storage'): GPUBuffer {
    return this.#filled(label, data, kind === 'uniform' ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE);
  }

  /**
   * The same for several dispatches, in one buffer: to make a filled one takes a graphics card's driver longer than
   * to record a dispatch.
   */
  constants(label: string, parts: readonly Uint32Array[], kind: 'uniform' | 'storage'): GPUBufferBinding[] {
    const { minUniformBufferOffsetAlignment, minStorageBufferOffsetAlignment } = this.#device.limits;
    const alignment = kind === 'uniform' ? minUniformBufferOffsetAlignment : minStorageBufferOffsetAlignment;
    let bytes = 0;
    const places = parts.map(({ byteLength: size }) => {
      const offset = bytes;
      bytes += Math.ceil(size / alignment) * alignment;
      return { offset, size };
    });
    const words = new Uint32Array(bytes / 4);
    parts.forEach((part, i) => words.set(part, places[i].offset / 4));
    const buffer = this.constant(label, words, kind);
    return places.map((place) => ({ buffer, ...place }));
  }

  #filled(label: string, data: Float32Array | Uint32Array, usage: number): GPUBuffer {
    const buffer = this.#device.createBuffer({
      label: `${this.#label}: ${label}`,
      size: data.byteLength,
      usage,
      mappedAtCreation: true,
    });
    new Uint32Array(buffer.getMappedRange()).set(new Uint32Array(data.buffer, data.byteOffset, data.length));
    buffer.unmap();
    this.#temporaries.push(buffer);
    return buffer;
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
    this.#device.queue.submit([this.#encoder.finish({ label: this.#label })]);
    // Work already submitted keeps what it uses.
    for (const buffer of this.#temporaries) buffer.destroy();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
