/**
 * How values look in a message: a tag, then what it needs. Numbers are little-endian.
 *
 *   string   tag, length (1 byte, or 4 behind LENGTH_LONG), characters of 1 or 2 bytes
 *   array    tag, count (as a length), values
 *   object   tag, count (as a length), then for each property its name and its value
 *   shape    slot, then the values of an object whose names both ends know by that slot
 *   shaped   slot, then as an object, whose names belong to that slot from here on
 *   name     index of a name that both ends know; or NAME_NEW, length, characters, which teaches
 *            it; or NAME_OTHER and a string
 *
 * It covers what most messages are made of. What it does not know is serialized by V8, whole.
 */

export const TAG_UNDEFINED = 0;
export const TAG_NULL = 1;
export const TAG_TRUE = 2;
export const TAG_FALSE = 3;
export const TAG_INT32 = 4;
export const TAG_DOUBLE = 5;
export const TAG_LATIN1 = 6;
export const TAG_UCS2 = 7;
export const TAG_DATE = 8;
export const TAG_BYTES = 9;
export const TAG_ARRAY = 10;
export const TAG_OBJECT = 11;
export const TAG_SHAPE = 12;
export const TAG_SHAPED = 13;

/** In place of a length of one byte: four bytes follow. */
export const LENGTH_LONG = 0xff;

/** Names that a channel learns for each direction: a byte says which. */
export const NAMES_MAX = 0xfe;
export const NAME_NEW = 0xfe;
export const NAME_OTHER = 0xff;
/** Lists of names that a channel learns for each direction: a power of two. */
export const SHAPES_MAX = 64;
/** Longer lists are not learned: they are data rather than shapes. */
export const SHAPE_NAMES_MAX = 32;
/** Longer names are not learned: they are data rather than names. */
export const NAME_LENGTH_MAX = 64;
