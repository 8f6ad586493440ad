/**
 * The device's own time: timestamps before and after every command buffer, so that what the processor needs to
 * record and submit them is not counted. It listens in on a device's encoders, whoever makes them.
 */

import type { DeviceClock } from './turns';

/** What a query set holds at most. */
const MOST = 4096;
const BYTES = 8;

/** How much of the time lies in any of the intervals: a device may begin one before it has ended another. */
export function covered(intervals: readonly (readonly [begin: bigint, end: bigint])[]): bigint {
  let sum = 0n;
  let until = 0n;
  for (const [begin, end] of intervals.toSorted(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))) {
    const from = begin > until ? begin : until;
    if (end > from) sum += end - from;
    until = end > until ? end : until;
  }
  return sum;
}

/** undefined where the device has no timestamps. */
export function deviceClock(device: GPUDevice): DeviceClock | undefined {
  if (!device.features.has('timestamp-query')) return undefined;
  const create = device.createCommandEncoder.bind(device);
  const sets: GPUQuerySet[] = [];
  let running = false;
  let used = 0;
  let finished: number[] = [];
  /** A query that was not written keeps what an earlier run wrote. */
  let last = 0n;

  function mark(encoder: GPUCommandEncoder, query: number, side: 'beginning' | 'end'): void {
    const set = Math.floor(query / MOST);
    sets[set] ??= device.createQuerySet({ label: 'clock', type: 'timestamp', count: MOST });
    const timestampWrites = { querySet: sets[set], [`${side}OfPassWriteIndex`]: query % MOST };
    encoder.beginComputePass({ label: `clock: ${side}`, timestampWrites }).end();
  }

  device.createCommandEncoder = (descriptor) => {
    const encoder = create(descriptor);
    if (!running) return encoder;
    const query = used;
    used += 2;
    mark(encoder, query, 'beginning');
    const finish = encoder.finish.bind(encoder);
    encoder.finish = (given) => {
      mark(encoder, query + 1, 'end');
      finished.push(query);
      return finish(given);
    };
    return encoder;
  };

  async function timestamps(): Promise<BigUint64Array> {
    const size = used * BYTES;
    const { COPY_DST, COPY_SRC, MAP_READ, QUERY_RESOLVE } = GPUBufferUsage;
    const resolved = device.createBuffer({ label: 'clock', size, usage: QUERY_RESOLVE | COPY_SRC });
    const read = device.createBuffer({ label: 'clock', size, usage: COPY_DST | MAP_READ });
    const encoder = create({ label: 'clock' });
    for (let first = 0; first < used; first += MOST)
      encoder.resolveQuerySet(sets[first / MOST], 0, Math.min(MOST, used - first), resolved, first * BYTES);
    encoder.copyBufferToBuffer(resolved, 0, read, 0, size);
    device.queue.submit([encoder.finish({ label: 'clock' })]);
    await read.mapAsync(GPUMapMode.READ);
    const out = new BigUint64Array(read.getMappedRange().slice(0));
    resolved.destroy();
    read.destroy();
    return out;
  }

  return {
    start() {
      running = true;
      used = 0;
      finished = [];
    },
    async stop() {
      running = false;
      if (finished.length === 0) return undefined;
      const times = await timestamps();
      const intervals = finished
        .map((query) => [times[query], times[query + 1]] as const)
        .filter(([begin, end]) => begin >= last && end >= begin);
      if (intervals.length === 0) return undefined;
      for (const [, end] of intervals) last = end > last ? end : last;
      return Number(covered(intervals)) / 1e6;
    },
  };
}
