/** What Node's argument parser throws when a person mistyped. */
export const isUsageError = (error: unknown): error is { readonly message: string } =>
  typeof error === 'object' &&
  error !== null &&
  String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS');
