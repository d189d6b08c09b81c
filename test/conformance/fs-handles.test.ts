/**
 * `fs/promises` compared with Node, on every backend. The cases are in `fs-handles.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { handlesSuite } from './fs-handles.ts';

describe.each(backends)('fs/promises, handles, on %s', (backend) => {
  handlesSuite.define(backend);
});
