/**
 * Appending, on every backend. The cases are in `file-append.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { appendSuite } from './file-append.ts';

describe.each(backends)('File.append on %s', (backend) => {
  appendSuite.define(backend);
});
