/**
 * Storage by the callbacks of `node:fs`: what Node's thread pool gives without promises on top.
 */

import fs from 'node:fs';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = {
  style: 'callback',
  open: (path, flags) =>
    new Promise((resolve, reject) => {
      fs.open(path, flags, (error, fd) => {
        if (error === null) resolve(fileOf(fd));
        else reject(error);
      });
    }),
  countOf: (result) => result as number,
  readFile(path, done) {
    fs.readFile(path, done);
    return undefined;
  },
  writeFile(path, bytes, done) {
    fs.writeFile(path, bytes, (error) => done(error, undefined));
    return undefined;
  },
  stat(path, done) {
    fs.stat(path, done);
    return undefined;
  },
  sizeOf: (result) => (result as fs.Stats).size,
};

function fileOf(fd: number): Awaited<ReturnType<StorageDriver['open']>> {
  return {
    read(buffer, position, done) {
      fs.read(fd, buffer, 0, buffer.length, position, done);
      return undefined;
    },
    write(buffer, position, done) {
      fs.write(fd, buffer, 0, buffer.length, position, done);
      return undefined;
    },
    log(buffer, position, done) {
      fs.write(fd, buffer, 0, buffer.length, position, (error, count) => {
        if (error !== null) done(error, 0);
        else fs.fdatasync(fd, (failure) => done(failure, count));
      });
      return undefined;
    },
    close: () =>
      new Promise((resolve, reject) => {
        fs.close(fd, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(error);
        });
      }),
  };
}
