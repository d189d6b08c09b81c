/**
 * `fs/promises` compared with Node, on every backend. The cases are in `fs-paths.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { pathsSuite } from './fs-paths.ts';

describe.each(backends)('fs/promises, paths, on %s', (backend) => {
  pathsSuite.define(backend);
});
