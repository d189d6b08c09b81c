/**
 * `fs/promises` compared with Node, on every backend. The cases are in `fs-special.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { specialSuite } from './fs-special.ts';

describe.each(backends)('fs/promises, special, on %s', (backend) => {
  specialSuite.define(backend);
});
