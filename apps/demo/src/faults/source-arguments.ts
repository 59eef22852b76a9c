/** Node's arguments that run a file of the workspace's sources. */
export const SOURCE_ARGUMENTS = ['--conditions=authpipe:source', '--import', 'tsx'];
