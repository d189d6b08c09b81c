/**
 * The cases of `streams.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../../support/conformance-suite.ts';
import { streamsSuite } from './streams.ts';

describe.each(backends)('net.Socket as a stream on %s', (backend) => {
  streamsSuite.define(backend);
});
