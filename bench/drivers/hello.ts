/**
 * The page of the HTTP comparison: what every server answers, and what the load expects.
 */

/** Twelve characters, so that the page costs nothing and the server everything. */
export const HELLO = 'Hello, world';
