import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts messages and stack traces of failures into payloads, which are then encrypted like all others. Part of the bundle
 * only where payloads are (src/clients/temporal-codec-plugin.ts); the SDK finds it by this name.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
