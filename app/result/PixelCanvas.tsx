import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import type { RgbaImage } from '../../workers/engine/protocol';
import { fitting, type Size } from './fitting';

interface Props {
  readonly image: RgbaImage | undefined;
  readonly label: string;
  readonly className?: string;
  readonly result?: boolean;
}

/** While a window is dragged to another size CSS scales what is there. */
const SETTLED_MS = 120;

function devicePixels({ devicePixelContentBoxSize: exact, contentRect }: ResizeObserverEntry): Size {
  const box = exact?.[0];
  return box
    ? { width: box.inlineSize, height: box.blockSize }
    : { width: contentRect.width * devicePixelRatio, height: contentRect.height * devicePixelRatio };
}

/** What the observed element takes of the screen, once it is laid out. */
function useDeviceSize(ref: { readonly current: Element | null }): Size | undefined {
  const [size, setSize] = useState<Size>();
  useEffect(() => {
    if (!ref.current) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen = false;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      clearTimeout(timer);
      timer = setTimeout(() => setSize(devicePixels(entry)), seen ? SETTLED_MS : 0);
      seen = true;
    });
    observer.observe(ref.current);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [ref]);
  return size;
}

/**
 * Pixels on a canvas. Those of a picture larger than its place are brought to the place's size by a filter
 * that reads all of them: a browser that scales a canvas down skips some, and a thin line becomes dots.
 */
export function PixelCanvas({ image, label, className, result }: Props): ReactNode {
  const ref = useRef<HTMLCanvasElement>(null);
  const place = useDeviceSize(ref);
  const { width, height } = image && place ? fitting(image, place) : { width: 0, height: 0 };

  useLayoutEffect(() => {
    const canvas = ref.current;
    if (!canvas || !image || !width) return undefined;
    const pixels = new ImageData(image.data, image.width, image.height);
    let current = true;
    const draw = async (): Promise<void> => {
      const size = { resizeWidth: width, resizeHeight: height };
      const bitmap = await createImageBitmap(pixels, { ...size, resizeQuality: 'high' });
      if (current) {
        Object.assign(canvas, { width, height });
        canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
      }
      bitmap.close();
    };
    if (width === image.width) {
      Object.assign(canvas, { width, height });
      canvas.getContext('2d')?.putImageData(pixels, 0, 0);
    } else {
      void draw();
    }
    return () => {
      current = false;
    };
  }, [image, width, height]);

  return (
    <canvas
      ref={ref}
      className={className}
      role="img"
      aria-label={label}
      data-result-canvas={result ? '' : undefined}
    />
  );
}
