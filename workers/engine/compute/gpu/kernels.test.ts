import { afterAll, expect, it } from 'vitest';
import { KERNELS, preamble, type KernelName } from './kernels';
import { constant, outputsOf } from './merge';
import { openDevices } from '../testing/device';

const devices = await openDevices();
afterAll(() => devices.forEach(({ close }) => close()));

/** Aliases that any kernel may leave open, in both storage types. */
function heads(halves: boolean): string[] {
  const types = halves ? (['f32', 'f16'] as const) : (['f32'] as const);
  return types.flatMap((type) =>
    [1, 4].map((width) => {
      const vector = (scalar: string): string => (width === 4 ? `vec4<${scalar}>` : scalar);
      return preamble({
        element: type,
        prediction: type,
        state: type,
        encoded: type,
        weight: type,
        from_type: 'f32',
        to_type: type,
        factor: type,
        lane: vector(type),
        factor_lane: vector(type),
        wide: vector('f32'),
      });
    }),
  );
}

it.each(devices)('$name: every kernel compiles without a message', async ({ device, check }) => {
  for (const name of Object.keys(KERNELS) as KernelName[]) {
    // The merge's outputs are as many as a device can bind.
    const outputs = name.startsWith('merge') ? constant('RANK', 4) + outputsOf(2, 4) : '';
    const constants = name === 'merge' ? constant('ROWS', 4) : '';
    for (const head of heads(device.features.has('shader-f16'))) {
      const module = device.createShaderModule({
        label: name,
        code: head + constants + outputs + KERNELS[name].code,
      });
      const { messages } = await module.getCompilationInfo();
      expect(messages.map(({ lineNum, message }) => `${name}:${lineNum} ${message}`)).toEqual([]);
    }
  }
  await check();
});
