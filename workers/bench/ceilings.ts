/**
 * What a device can do at most, measured as anything else here is: bytes that a copy moves, and multiply-adds of
 * numbers that are in registers already.
 */
import { rowsOf, type Ceiling } from './results';
import { inTurns, type Turns, type Work } from './turns';

/** What a copy reads, where the device has buffers of this size: more than any cache holds. */
const COPIED = 512 * 2 ** 20;
/** Vectors of four that one invocation works on in turn, so that no result is waited for. */
const CHAINS = 8;
/** Multiply-adds of each vector in one turn of the loop, and turns. */
const UNROLLED = 8;
const LOOPS = 64;
const WORKGROUP = 256;
const MOST_WORKGROUPS = 1 << 14;
/** Milliseconds that the multiply-adds take at least, where the device is not full before. */
const ENOUGH = 4;

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

const COPY = /* wgsl */ `
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4u>;
@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = (group.y * groups.x + group.x) * ${WORKGROUP}u + local;
  if (at < arrayLength(&source)) {
    copied[at] = source[at];
  }
}`;

/** x ← x·m + s again and again, m and s from a buffer so that no compiler knows what comes of it. */
function multiplyAdds(scalar: 'f32' | 'f16'): string {
  const each = (line: (i: number) => string): string => lines(CHAINS, line);
  return /* wgsl */ `
${scalar === 'f16' ? 'enable f16;' : ''}
alias wide = vec4<${scalar}>;
@group(0) @binding(0) var<storage, read> given: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = wide(given[0]);
  let s = wide(given[1]);
  ${each((i) => `var x${i} = wide(given[2]) * ${scalar}(id.x % 64u + ${i}u);`)}
  for (var i = 0u; i < ${LOOPS}u; i++) {
    ${lines(UNROLLED, () => each((i) => `x${i} = fma(x${i}, m, s);`))}
  }
  let sum = ${Array.from({ length: CHAINS }, (_, i) => `x${i}`).join(' + ')};
  // Never so, which no compiler knows either.
  if (sum.x == ${scalar}(given[3].x)) {
    out[0] = vec4f(sum);
  }
}`;
}

interface Kernel {
  readonly code: string;
  readonly from: GPUBuffer;
  readonly to: GPUBuffer;
}

export async function measureCeilings(device: GPUDevice, turns: Turns): Promise<Ceiling[]> {
  const { COPY_DST, COPY_SRC, STORAGE } = GPUBufferUsage;
  const made: GPUBuffer[] = [];
  const buffer = (size: number): GPUBuffer => {
    const out = device.createBuffer({ label: 'ceiling', size, usage: COPY_DST | COPY_SRC | STORAGE });
    made.push(out);
    return out;
  };
  const submit = (record: (encoder: GPUCommandEncoder) => void): void => {
    const encoder = device.createCommandEncoder({ label: 'ceiling' });
    record(encoder);
    device.queue.submit([encoder.finish({ label: 'ceiling' })]);
  };
  function dispatching({ code, from, to }: Kernel): (x: number, y: number) => Work {
    const pipeline = device.createComputePipeline({
      label: 'ceiling',
      layout: 'auto',
      compute: { module: device.createShaderModule({ label: 'ceiling', code }), entryPoint: 'main' },
    });
    const entries = [from, to].map((each, binding) => ({ binding, resource: { buffer: each } }));
    const group = device.createBindGroup({
      label: 'ceiling',
      layout: pipeline.getBindGroupLayout(0),
      entries,
    });
    return (x, y) => () =>
      submit((encoder) => {
        const pass = encoder.beginComputePass({ label: 'ceiling' });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(x, y);
        pass.end();
      });
  }

  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = device.limits;
  const size = Math.min(COPIED, maxBufferSize, maxStorageBufferBindingSize) & -4096;
  const [from, to] = [buffer(size), buffer(size)];
  const groups = size / 16 / WORKGROUP;
  const across = Math.min(groups, maxComputeWorkgroupsPerDimension);
  const works: Record<string, Work> = {};
  const known = new Map<string, Pick<Ceiling, 'amount' | 'of'>>();
  const add = (name: string, amount: number, of: Ceiling['of'], work: Work): void => {
    works[name] = work;
    known.set(name, { amount, of });
  };
  const megabytes = `${(size / 1e6).toFixed(0)} MB`;
  add(`copy of ${megabytes}`, 2 * size, 'bytes', () =>
    submit((encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, size)),
  );
  add(
    `copy of ${megabytes} by a kernel`,
    2 * size,
    'bytes',
    dispatching({ code: COPY, from, to })(across, Math.ceil(groups / across)),
  );

  const given = buffer(64);
  // m, s, the first x, and what no sum is.
  const numbers = [0.5, 0.25, 0.125, -1].flatMap((value) => [value, value, value, value]);
  device.queue.writeBuffer(given, 0, Float32Array.from(numbers));
  for (const of of ['float32', 'float16'] as const) {
    if (of === 'float16' && !device.features.has('shader-f16')) continue;
    const code = multiplyAdds(of === 'float16' ? 'f16' : 'f32');
    const dispatch = dispatching({ code, from: given, to: buffer(64) });
    let workgroups = 16;
    for (let ms = 0; workgroups < MOST_WORKGROUPS; workgroups *= 4) {
      const work = dispatch(workgroups, 1);
      for (let i = 0; i < 2; i += 1) {
        const start = performance.now();
        await work();
        await turns.settle();
        ms = performance.now() - start;
      }
      if (ms > ENOUGH) break;
    }
    const amount = 2 * 4 * CHAINS * UNROLLED * LOOPS * WORKGROUP * workgroups;
    add(`${of === 'float16' ? 'fp16' : 'fp32'} multiply-adds`, amount, of, dispatch(workgroups, 1));
  }

  const rows = rowsOf(await inTurns(works, turns));
  for (const each of made) each.destroy();
  return rows.map((row) => ({ ...row, ...(known.get(row.name) ?? { amount: 0, of: 'bytes' }) }));
}
