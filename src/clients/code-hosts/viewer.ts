import { CodeHostFailure, type HostCall } from '../../contract/code-host.ts';
import type { HostHttp } from './host-http.ts';

/**
 * Who the token belongs to, asked once. Null for the token of an app, which has no user: its comments are known by the marker
 * alone.
 */
export function viewerOf(
  http: HostHttp,
  nameIn: (json: unknown) => string,
): (call?: HostCall) => Promise<string | null> {
  let viewer: Promise<string | null> | undefined;
  return (call) => {
    viewer ??= http({ method: 'GET', path: '/user' }, call).then(
      ({ json }) => nameIn(json),
      (error: unknown) => {
        viewer = undefined;
        if (
          error instanceof CodeHostFailure &&
          error.code === 'unauthorized' &&
          !error.message.includes('401')
        )
          return null;
        throw error;
      },
    );
    return viewer;
  };
}
