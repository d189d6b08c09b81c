/**
 * `fs/promises` compared with Node, on every backend. The cases are in `fs-streams.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { streamsSuite } from './fs-streams.ts';

describe.each(backends)('fs/promises, streams, on %s', (backend) => {
  streamsSuite.define(backend);
});
