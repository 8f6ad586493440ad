/** A result as a PNG file that carries its recipe. */
import type { Coefficients, PackInfo, RgbaImage, RunReport } from '../../workers/engine/protocol';
import { text } from '../i18n';
import { withText } from './png';
import { recipeOf, RECIPE_KEYWORD } from './recipe';

export interface Result {
  readonly image: RgbaImage;
  readonly coefficients: Coefficients;
  readonly report: RunReport;
  readonly pack: PackInfo;
}

async function encode({ width, height, data }: RgbaImage): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('No 2D canvas');
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}

export async function resultPng(result: Result): Promise<Blob> {
  const recipe = await recipeOf(result, result.coefficients);
  const png = await encode(result.image);
  return withText(png, { Software: text.name, [RECIPE_KEYWORD]: JSON.stringify(recipe) });
}
