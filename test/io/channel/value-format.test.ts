/**
 * The tags of the message format: each stands for one thing.
 */

import { describe, expect, it } from 'vitest';
import * as format from '../../../src/io/channel/value-format.ts';

describe('value format', () => {
  it('has a tag of its own for each kind of value', () => {
    const tags = Object.entries(format).filter(([name]) => name.startsWith('TAG_'));
    expect(new Set(tags.map(([, tag]) => tag)).size).toBe(tags.length);
  });

  it('cannot take a known name for an escape', () => {
    expect(format.NAMES_MAX - 1).toBeLessThan(Math.min(format.NAME_NEW, format.NAME_OTHER));
    expect(format.NAME_LENGTH_MAX).toBeLessThan(format.LENGTH_LONG);
  });
});
