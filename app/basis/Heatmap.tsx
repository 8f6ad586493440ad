import { useEffect, useRef, useState, type PointerEvent, type ReactNode } from 'react';
import type { Coefficients } from '../../workers/engine/protocol';
import { text } from '../i18n';
import { largest } from './summary';

interface Props {
  readonly coefficients: Coefficients;
  readonly targets: readonly string[];
}

/** Targets × elements, one canvas pixel per coefficient; CSS scales it without smoothing. */
export function Heatmap({ coefficients, targets }: Props): ReactNode {
  const ref = useRef<HTMLCanvasElement>(null);
  const [cell, setCell] = useState('');
  const { elements, values } = coefficients;

  useEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return;
    const most = largest(values) || 1;
    const image = context.createImageData(elements, coefficients.targets);
    values.forEach((value, index) => {
      // Positive: teal, negative: amber; the opacity is the size, so both themes show through.
      image.data.set(value < 0 ? [205, 120, 30] : [18, 146, 124], index * 4);
      image.data[index * 4 + 3] = Math.round(255 * Math.sqrt(Math.abs(value) / most));
    });
    context.putImageData(image, 0, 0);
  }, [coefficients, elements, values]);

  const onPointerMove = (event: PointerEvent<HTMLCanvasElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const n = Math.min(elements - 1, Math.floor(((event.clientX - box.left) / box.width) * elements));
    const l = Math.min(
      coefficients.targets - 1,
      Math.floor(((event.clientY - box.top) / box.height) * coefficients.targets),
    );
    setCell(
      `${targets[l] ?? l} · ${text.basis.element(n + 1)} · ${(values[l * elements + n] ?? 0).toFixed(4)}`,
    );
  };

  return (
    <figure className="heat">
      <canvas
        ref={ref}
        width={elements}
        height={coefficients.targets}
        role="img"
        aria-label={text.basis.heat(coefficients.targets, elements)}
        onPointerMove={onPointerMove}
        onPointerLeave={() => setCell('')}
      />
      <figcaption>{cell || text.basis.range(largest(values).toFixed(3))}</figcaption>
    </figure>
  );
}
