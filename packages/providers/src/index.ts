export * from './catalogue.js';
export * from './definition.js';
export { type FillOptions, fillParams, fillUrl, MissingConfigError } from './fill-url.js';
export { isLoopbackHost } from './loopback-host.js';
export { type ConfigError, type ParseConfigOptions, type ParsedConfig, parseConfig } from './parse-config.js';
