/** JPEG: marker segments up to the entropy-coded scans; the frame header holds the size. */
import type { Bytes } from './bytes';
import type { Sniffed } from './sniff';

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Markers that stand alone, without a length. */
function isBare(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** The place of the next marker's 0xff at or after `at` in entropy-coded data. */
function skipScan(data: Uint8Array, at: number): number {
  let place = at;
  for (;;) {
    place = data.indexOf(0xff, place);
    if (place < 0 || place + 1 >= data.length) return data.length;
    const next = data[place + 1] ?? 0;
    // Stuffed zeros and restart markers belong to the scan.
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return place;
    place += next === 0xff ? 1 : 2;
  }
}

export function sniffJpeg(bytes: Bytes): Sniffed {
  let width: number | undefined;
  let height: number | undefined;
  let bitDepth: number | undefined;
  let scanned = false;
  let ended = false;
  let at = 2;
  while (!ended) {
    if (bytes.u8(at) !== 0xff) break;
    const marker = bytes.u8(at + 1);
    if (marker === undefined) break;
    if (marker === 0xff) {
      at += 1; // fill byte
    } else if (marker === END_OF_IMAGE) {
      ended = true;
    } else if (isBare(marker)) {
      at += 2;
    } else {
      const length = bytes.u16(at + 2);
      if (length === undefined || length < 2) break;
      if (isFrame(marker) && width === undefined) {
        bitDepth = bytes.u8(at + 4);
        height = bytes.u16(at + 5);
        width = bytes.u16(at + 7);
      }
      at += 2 + length;
      if (marker === START_OF_SCAN) {
        scanned = true;
        at = skipScan(bytes.data, at);
      }
    }
  }
  return { type: 'jpeg', width, height, animated: false, bitDepth, truncated: !(ended && scanned) };
}
