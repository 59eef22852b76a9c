/**
 * Node's own modules, fetched when they are used and not imported: a bundler that makes a page of this package has to get
 * through, so that the client can say in the page that it belongs into the backend.
 * @see https://nodejs.org/api/process.html#processgetbuiltinmoduleid (since 20.16)
 */
export const nodeCrypto = () => process.getBuiltinModule('node:crypto');

/** What kind of object a value is, whichever realm it comes from. */
export const nodeTypes = () => process.getBuiltinModule('node:util').types;
