import { beforeAll, describe, expect, it, vi } from 'vitest';
import { chooseBackend, DeviceWatch } from './device';
import { fakeDevice } from './testing/fake-device';

class MemoryError {
  constructor(readonly message: string) {}
}

beforeAll(() => {
  vi.stubGlobal('GPUOutOfMemoryError', MemoryError);
});

describe('DeviceWatch', () => {
  it('rejects work that would never settle when the device is lost', async () => {
    const fake = fakeDevice();
    const watch = new DeviceWatch(fake.device);
    const never = new Promise<number>(() => undefined);
    const work = watch.race(never);
    fake.lose();
    await expect(work).rejects.toMatchObject({
      detail: { code: 'engine/device-lost', cause: 'unknown: the driver went away' },
    });
    expect(() => watch.check()).toThrow(/device-lost/);
  });

  it('discards a result that arrives after the loss', async () => {
    const fake = fakeDevice();
    const watch = new DeviceWatch(fake.device);
    fake.lose();
    await Promise.resolve();
    await expect(watch.race(Promise.resolve('as if nothing had happened'))).rejects.toThrow(/device-lost/);
  });

  it('tells running out of memory from other refusals, and keeps the first', () => {
    const memory = fakeDevice();
    const watch = new DeviceWatch(memory.device);
    memory.refuse(new MemoryError('no room'));
    memory.refuse({ message: 'later' });
    expect(watch.failure?.detail).toMatchObject({ code: 'engine/out-of-memory', cause: 'no room' });
    const other = fakeDevice();
    const second = new DeviceWatch(other.device);
    other.refuse({ message: 'bad binding' });
    expect(second.failure?.detail).toMatchObject({ code: 'engine/failed', cause: 'bad binding' });
  });

  it('is quiet after the device was given up on purpose', async () => {
    const fake = fakeDevice();
    const watch = new DeviceWatch(fake.device);
    watch.end();
    fake.lose();
    await Promise.resolve();
    expect(watch.failure).toBeUndefined();
  });
});

describe('chooseBackend', () => {
  const adapter = (info: Partial<GPUAdapterInfo>): unknown => ({
    info: { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false, ...info },
    features: new Set(['shader-f16', 'depth-clip-control']),
    limits: { maxBufferSize: 1024 },
    requestDevice: async (wanted: unknown) => ({ ...fakeDevice().device, wanted }),
  });
  const withAdapter = (found: unknown): void => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => found } });
  };

  it('takes WebGPU on a graphics card, with what the adapter has', async () => {
    withAdapter(adapter({ vendor: 'nvidia', architecture: 'hopper' }));
    expect(await chooseBackend('auto')).toMatchObject({
      backend: 'webgpu',
      own: {
        device: { wanted: { requiredFeatures: ['shader-f16'], requiredLimits: { maxBufferSize: 1024 } } },
        summary: { adapter: 'nvidia hopper', software: false },
      },
    });
  });

  it('takes WASM on a software adapter unless WebGPU was asked for', async () => {
    withAdapter(adapter({ vendor: 'google', architecture: 'swiftshader' }));
    expect(await chooseBackend('auto')).toEqual({ backend: 'wasm' });
    expect(await chooseBackend('webgpu')).toMatchObject({
      backend: 'webgpu',
      own: { summary: { software: true } },
    });
  });

  it('says so when WebGPU was asked for and is not there', async () => {
    withAdapter(null);
    expect(await chooseBackend('auto')).toEqual({ backend: 'wasm' });
    await expect(chooseBackend('webgpu')).rejects.toMatchObject({ detail: { code: 'engine/no-backend' } });
    vi.stubGlobal('navigator', {});
    await expect(chooseBackend('webgpu')).rejects.toMatchObject({ detail: { code: 'engine/no-backend' } });
    expect(await chooseBackend('wasm')).toEqual({ backend: 'wasm' });
  });
});
