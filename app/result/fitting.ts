/** How large a canvas should be for its place on screen. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `image` scaled down to `place`, both in device pixels; never up, which CSS does as well. */
export function fitting(image: Size, place: Size): Size {
  const scale = Math.max(place.width / image.width, place.height / image.height);
  if (scale >= 1) return { width: image.width, height: image.height };
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: side(image.width), height: side(image.height) };
}
