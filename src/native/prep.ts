/**
 * Door to the prep functions: each fills one entry of the submission queue, by pure writes into
 * the ring's memory, and leaves `user_data` alone.
 *
 * Names and argument order are those of liburing: `prepRead` for `io_uring_prep_read(3)`. Flags
 * common to all operations are added afterwards, with `setSqeFlags` and its siblings.
 */

export * from './prep/control.ts';
export * from './prep/descriptors.ts';
export * from './prep/files.ts';
export * from './prep/paths.ts';
export * from './prep/sockets.ts';
export * from './prep/transfers.ts';
