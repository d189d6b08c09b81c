/**
 * Says whether reads of a file can poll its device: reads one page of it, and prints what became.
 */

import { writeSync } from 'node:fs';
import { File, runtime } from 'onering';

const [path = ''] = process.argv.slice(2);
const ring = runtime();
const { bytes } = ring.buffers.allocate(4096);
const file = await File.open(path, { direct: true, poll: 'hybrid' });
await file.read(bytes, { position: 0 });
writeSync(1, `${JSON.stringify({ polling: file.polling })}\n`);
await file.close();
await ring.close();
