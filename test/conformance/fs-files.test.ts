/**
 * `fs/promises` compared with Node, on every backend. The cases are in `fs-files.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { filesSuite } from './fs-files.ts';

describe.each(backends)('fs/promises, files, on %s', (backend) => {
  filesSuite.define(backend);
});
