/**
 * `Compute` on WebGPU: our WGSL kernels on a device that is shared with ONNX Runtime.
 *
 * Tensors are storage buffers, fp16 where the device has shader-f16; arithmetic is f32 everywhere.
 * Each operation is one command encoder on the device's queue, so a read-back or an ORT run that is
 * submitted later sees its result.
 */
import { EngineFailure } from '../errors';
import type { RgbaImage } from '../protocol';
import type { Compute, FullImage, HeadInputs, Tensor } from './compute';
import { encodeAnchor, encodeColumns, encodeFields, encodeGram, encodeWarp, gramLength } from './gpu/anchor';
import { Buffers, bytesOf, storable, type ElementType } from './gpu/buffers';
import { preamble } from './gpu/kernels';
import { CARD, encodeMerge, encodeMergeElement, SOFTWARE } from './gpu/merge';
import { Constants, Operation, Pipelines } from './gpu/operation';
import { lineNumbers, renderFull } from './gpu/render';
import { commonScalar, linear, scalarOf } from './gpu/types';
import { BLUR_SIGMAS, FIELDS } from './reference/fields';
import { GRID_CHANNELS, MAP_CHANNELS } from './reference/head';
import { isKernel } from './reference/kernel';
import { count, routeShape, sideOf } from './shapes';

type GpuTensor = Tensor<GPUBuffer>;

/** d and N of route.wgsl's workgroup memory. */
const MOST_ROUTED = 1024;

/** `software`: the device is a processor that imitates a graphics card. */
export function createWebGpuCompute(device: GPUDevice, software: boolean): Compute<GPUBuffer> {
  const buffers = new Buffers(device);
  const pipelines = new Pipelines(device);
  const constants = new Constants(device);
  const halves = device.features.has('shader-f16');
  const { maxComputeWorkgroupsPerDimension } = device.limits;
  const plan = software ? SOFTWARE : CARD;

  const begin = (label: string): Operation => new Operation(device, pipelines, constants, label);

  function refuseHalves(type: ElementType): void {
    if (type === 'float16' && !halves) {
      throw new EngineFailure(
        'engine/no-backend',
        'This graphics device cannot compute with fp16.',
        'Use the fp32 graph, or use the WASM backend: add ?backend=wasm to the address.',
      );
    }
  }

  function tensor(type: ElementType, dims: readonly number[], label: string): GpuTensor {
    refuseHalves(type);
    return buffers.tensor(type, dims, label);
  }

  interface Part {
    readonly x: GpuTensor;
    /** Subtracted from x. */
    readonly y?: GpuTensor;
  }

  /** Parts one after the other in a new tensor of the graph's type. */
  function pack(
    label: string,
    parts: readonly Part[],
    type: ElementType,
    dims: readonly number[],
  ): GpuTensor {
    const out = tensor(type, dims, label);
    const operation = begin(label);
    const head = preamble({ element: scalarOf(out) });
    let offset = 0;
    for (const { x, y } of parts) {
      const length = count(x.dims);
      const { workgroups, stride } = linear(length, maxComputeWorkgroupsPerDimension);
      operation.run(
        'pack-input',
        head,
        [
          operation.parameters([length, offset, stride], [y === undefined ? 0 : 1]),
          x.data,
          (y ?? x).data,
          out.data,
        ],
        workgroups,
      );
      offset += length;
    }
    operation.submit();
    return out;
  }

  /** The head at the model's size, through the kernel that uses what it makes. */
  function atModelSize(
    kernel: 'flow-step' | 'preview',
    { grid, maps, b, line }: HeadInputs<GPUBuffer>,
    anchorB: GpuTensor,
    value: number,
    aliases: Readonly<Record<string, string>>,
    out: GPUBuffer,
    operation: Operation,
  ): void {
    const size = sideOf(maps, MAP_CHANNELS);
    operation.run(
      kernel,
      preamble({ prediction: commonScalar(grid, maps), ...aliases }),
      [
        operation.parameters([size, sideOf(grid, GRID_CHANNELS)], [value, 0, ...lineNumbers(line)]),
        grid.data,
        maps.data,
        b.data,
        anchorB.data,
        out,
      ],
      [Math.ceil(size / 64), size],
    );
    operation.submit();
  }

  return {
    upload(data, dims, label) {
      const stored = storable(data, halves);
      const out = buffers.tensor(stored.type, dims, label);
      buffers.write(out.data, stored.data);
      return out;
    },
    allocate: tensor,
    allocateTogether(type, dims, label) {
      refuseHalves(type);
      return buffers.tensors(type, dims, label);
    },
    write({ data, type, offset }, values) {
      const stored = storable(values, halves);
      if (stored.type !== type) throw new Error(`${stored.type} values were given for a ${type} tensor`);
      buffers.write(data, stored.data, bytesOf(type, [offset ?? 0]));
    },
    read: (from) => buffers.readFloats(from),
    release: ({ data }) => buffers.release(data),
    cast(from, type) {
      const out = tensor(type, from.dims, 'cast');
      const operation = begin('cast');
      if (type === from.type) {
        operation.copy(from.data, out.data, Math.ceil(bytesOf(type, from.dims) / 4) * 4);
      } else {
        const length = count(from.dims);
        const { workgroups, stride } = linear(length, maxComputeWorkgroupsPerDimension);
        operation.run(
          'cast',
          preamble({ from_type: scalarOf(from), to_type: scalarOf(out) }),
          [operation.parameters([length, stride]), from.data, out.data],
          workgroups,
        );
      }
      operation.submit();
      return out;
    },

    uploadImage({ width, height, data }: RgbaImage, label: string): FullImage<GPUBuffer> {
      const buffer = buffers.create(width * height * 4, label);
      buffers.write(buffer, data);
      return { data: buffer, width, height };
    },
    prepare({ data, width, height }, size) {
      const out = tensor('float32', [3, size, size], 'prepared');
      const operation = begin('prepare');
      const rows = operation.temporary('rows', 3 * height * size * 4);
      operation.run(
        'prepare-horizontal',
        '',
        [operation.parameters([width, height, size]), data, rows],
        [Math.ceil(size / 64), height],
      );
      encodeColumns(operation, rows, height, size, out.data);
      operation.submit();
      return out;
    },

    fields(u) {
      const size = sideOf(u, 3);
      const out = tensor('float32', [FIELDS, size, size], 'fields');
      const operation = begin('fields');
      encodeFields(operation, u.data, size, BLUR_SIGMAS.length, out.data);
      operation.submit();
      return out;
    },
    async anchorGram(a, a2, fields) {
      const gram = tensor('float32', [gramLength()], 'gram');
      const operation = begin('anchor gram');
      encodeGram(operation, a.data, a2.data, fields.data, sideOf(a, 3), gram.data);
      operation.submit();
      return await readAndRelease(gram);
    },
    warp(u, warp) {
      if (isKernel(warp)) return this.cast(u, 'float32');
      const out = tensor('float32', u.dims, 'moved');
      const operation = begin('warp');
      encodeWarp(operation, u.data, warp, sideOf(u, 3), out.data);
      operation.submit();
      return out;
    },
    anchorApply(image, u, anchor) {
      const out = tensor('float32', u.dims, 'anchor');
      const operation = begin('anchor');
      encodeAnchor(operation, image, u.data, anchor, sideOf(u, 3), out.data);
      operation.submit();
      return out;
    },

    pairInput(a, a2, anchorA, type) {
      const size = sideOf(a, 3);
      return pack('pairs', [{ x: a }, { x: a2, y: a }, { x: a2, y: anchorA }], type, [1, 9, size, size]);
    },
    targetInput(b, anchorB, type) {
      const size = sideOf(b, 3);
      return pack('target', [{ x: b }, { x: anchorB }], type, [1, 6, size, size]);
    },
    stack(images, type) {
      const size = sideOf(images[0], 3);
      return pack(
        'stack',
        images.map((x) => ({ x })),
        type,
        [images.length, 3, size, size],
      );
    },

    async route(e, keys, query, activation) {
      const { targets, elements, keySize, inputs } = routeShape(e, keys, query);
      if (elements > MOST_ROUTED || keySize > MOST_ROUTED) {
        throw new Error(
          `the router takes at most ${MOST_ROUTED} elements and key dimensions, got ${elements} and ${keySize}`,
        );
      }
      const out = tensor('float32', [targets, elements], 'coefficients');
      const operation = begin('route');
      operation.run(
        'route',
        preamble({ encoded: scalarOf(e), weight: commonScalar(keys, query) }),
        [
          operation.parameters([elements, keySize, inputs, activation === 'tanh' ? 1 : 0]),
          e.data,
          keys.data,
          query.data,
          out.data,
        ],
        [targets],
      );
      operation.submit();
      return await readAndRelease(out);
    },
    merge(targets, coefficients, elements, scale) {
      const operation = begin('merge');
      encodeMerge(operation, targets, coefficients, elements, scale, plan, device.limits);
      operation.submit();
    },
    mergeElement(targets, element, delta, scale) {
      const operation = begin('merge element');
      encodeMergeElement(operation, targets, element, delta, scale, plan, device.limits);
      operation.submit();
    },

    flowStep(head, anchorB, x, t, tNext) {
      atModelSize(
        'flow-step',
        head,
        anchorB,
        (tNext - t) / (1 - t),
        { state: scalarOf(x) },
        x.data,
        begin('flow step'),
      );
    },
    async renderPreview(head, anchorB, strength) {
      const size = sideOf(head.maps, MAP_CHANNELS);
      const pixels = buffers.create(size * size * 4, 'preview');
      try {
        atModelSize('preview', head, anchorB, strength, {}, pixels, begin('preview'));
        return {
          width: size,
          height: size,
          data: new Uint8ClampedArray(await buffers.read(pixels, size * size * 4)),
        };
      } finally {
        buffers.release(pixels);
      }
    },
    renderFull: (render) => renderFull(buffers, begin, render),
    dispose() {
      buffers.dispose();
      constants.dispose();
    },
  };

  async function readAndRelease(from: GpuTensor): Promise<Float32Array<ArrayBuffer>> {
    try {
      return await buffers.readFloats(from);
    } finally {
      buffers.release(from.data);
    }
  }
}
