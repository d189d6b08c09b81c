/**
 * Reads values in the format of `value-format.ts`, out of shared memory or a buffer. What it makes
 * is the receiver's own: nothing points into the memory that it was read from.
 *
 * It trusts what it reads: the other end is this package, in the same process.
 */

import {
  LENGTH_LONG,
  NAME_NEW,
  NAME_OTHER,
  SHAPES_MAX,
  TAG_ARRAY,
  TAG_BYTES,
  TAG_DATE,
  TAG_DOUBLE,
  TAG_FALSE,
  TAG_INT32,
  TAG_LATIN1,
  TAG_NULL,
  TAG_OBJECT,
  TAG_SHAPE,
  TAG_SHAPED,
  TAG_TRUE,
  TAG_UCS2,
  TAG_UNDEFINED,
} from './value-format.ts';

/** Up to here characters are read one by one: a call into C++ costs more. */
const LOOP_LENGTH_MAX = 5;
/** Longer texts are made anew each time: to compare them would cost as much. */
const TEXT_LENGTH_MAX = 32;
const TEXTS_MAX = 256;

export class ValueReader {
  /** Names that the other end has taught, in order. */
  readonly #names: string[] = [];
  /** Lists of names that the other end has taught, by their slots. */
  readonly #shapes: (readonly string[])[] = Array.from({ length: SHAPES_MAX }, () => []);
  /** Texts that were read, since many come again; one for each of the places that they fall to. */
  readonly #texts: string[] = Array.from({ length: TEXTS_MAX }, () => '');
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Reads the value that begins at an offset. */
  read(bytes: Buffer, offset: number): unknown {
    this.#bytes = bytes;
    this.#at = offset;
    return this.#value();
  }

  #value(): unknown {
    switch (this.#byte()) {
      case TAG_INT32:
        return this.#int32();
      case TAG_LATIN1:
        return this.#latin1(this.#length());
      case TAG_SHAPE:
        return this.#shape();
      case TAG_SHAPED:
        return this.#shaped();
      case TAG_OBJECT:
        return this.#object();
      case TAG_ARRAY:
        return this.#array();
      case TAG_DOUBLE:
        return this.#double();
      case TAG_TRUE:
        return true;
      case TAG_FALSE:
        return false;
      case TAG_NULL:
        return null;
      case TAG_UNDEFINED:
        return undefined;
      case TAG_UCS2:
        return this.#ucs2();
      case TAG_BYTES:
        return this.#blob();
      case TAG_DATE:
        return new Date(this.#double());
      default:
        throw new Error('Assertion failed: Both ends know the same tags');
    }
  }

  #object(): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const count = this.#length();
    for (let i = 0; i < count; i += 1) {
      const name = this.#name();
      value[name] = this.#value();
    }
    return value;
  }

  #int32(): number {
    const bytes = this.#bytes;
    const at = this.#at;
    this.#at = at + 4;
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    return low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  }

  #shape(): Record<string, unknown> {
    const names = this.#shapes[this.#byte()] ?? [];
    const value: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i += 1) value[names[i] ?? ''] = this.#value();
    return value;
  }

  #shaped(): Record<string, unknown> {
    const slot = this.#byte();
    const value = this.#object();
    // An object inside of this one may have fallen to the same slot: it was complete before.
    if (this.#shapes[slot]?.length === 0) this.#shapes[slot] = Object.keys(value);
    return value;
  }

  #array(): unknown[] {
    const count = this.#length();
    const value: unknown[] = [];
    for (let i = 0; i < count; i += 1) value.push(this.#value());
    return value;
  }

  #name(): string {
    const index = this.#byte();
    if (index === NAME_OTHER) return this.#value() as string;
    if (index !== NAME_NEW) return this.#names[index] ?? '';
    const name = this.#latin1(this.#length());
    this.#names.push(name);
    return name;
  }

  #latin1(length: number): string {
    this.#at += length;
    if (length <= LOOP_LENGTH_MAX) return this.#shortLatin1(this.#at - length, this.#at);
    if (length <= TEXT_LENGTH_MAX) return this.#text(this.#at - length, length);
    return this.#bytes.toString('latin1', this.#at - length, this.#at);
  }

  #shortLatin1(from: number, to: number): string {
    let text = '';
    for (let at = from; at < to; at += 1) text += String.fromCharCode(this.#bytes[at] ?? 0);
    return text;
  }

  /** A text that may have been read before: to compare costs less than to make another one. */
  #text(from: number, length: number): string {
    const bytes = this.#bytes;
    const first = bytes[from] ?? 0;
    const middle = bytes[from + (length >> 1)] ?? 0;
    const last = bytes[from + length - 1] ?? 0;
    const place = (length * 31 + first * 7 + middle * 13 + last) & (TEXTS_MAX - 1);
    const text = this.#texts[place] ?? '';
    let at = text.length === length ? length - 1 : length;
    // Texts differ at their ends more often than at their beginnings.
    while (at >= 0 && at < length && text.charCodeAt(at) === bytes[from + at]) at -= 1;
    if (at < 0) return text;
    const made = bytes.toString('latin1', from, from + length);
    this.#texts[place] = made;
    return made;
  }

  #ucs2(): string {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.toString('ucs2', this.#at - length, this.#at);
  }

  #double(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  #blob(): Uint8Array {
    const length = this.#length();
    this.#at += length;
    const value = new Uint8Array(length);
    value.set(this.#bytes.subarray(this.#at - length, this.#at));
    return value;
  }

  #length(): number {
    const length = this.#byte();
    if (length !== LENGTH_LONG) return length;
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  #byte(): number {
    this.#at += 1;
    return this.#bytes[this.#at - 1] ?? 0;
  }
}
