import { createServer } from 'node:net';

export interface PortWish {
  /** What the port is for, as the user would call it: "the API". */
  purpose: string;
  host?: string;
  /** Set by the user: this one or an error. */
  explicit?: number;
  /** Tried in order when nothing is explicit: the remembered one first, then the default. */
  preferred: number[];
  /** The setting that chooses the port; named in the error. */
  setting: string;
}

/** The port to use. A busy preferred port gives way to a free one; a busy explicit port is an error. */
export async function choosePort(wish: PortWish): Promise<number> {
  const host = wish.host ?? '127.0.0.1';
  if (wish.explicit !== undefined) {
    if (wish.explicit === 0 || (await isFree(wish.explicit, host))) return wish.explicit || freePort(host);
    throw new Error(
      `Port ${wish.explicit} for ${wish.purpose} is in use. It was set explicitly (${wish.setting}): ` +
        `free it, choose another one, or unset ${wish.setting} to let a free port be found.`,
    );
  }
  for (const port of wish.preferred) if (await isFree(port, host)) return port;
  return freePort(host);
}

/** True when a server could listen there now. */
export async function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

/** Any free port. The kernel hands them out in turn, so two callers at once get two ports. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const port = await listenOnce(0, host);
  if (port === undefined) throw new Error(`No free port on ${host}`);
  return port;
}

function listenOnce(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

/** Marks a start that failed because a stranger took a port between the choice and the start. */
export function portTaken(what: string): Error {
  return Object.assign(new Error(`A port chosen for ${what} was taken meanwhile`), { code: PORT_TAKEN });
}

const PORT_TAKEN = 'PORT_TAKEN';
const CHOICES = 3;

/** Chooses ports and starts on them; when a port was taken in between, chooses again. */
export async function onPorts<P, T>(choose: () => Promise<P>, start: (ports: P) => Promise<T>): Promise<T> {
  for (let choice = 1; ; choice += 1) {
    const ports = await choose();
    try {
      return await start(ports);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== PORT_TAKEN || choice === CHOICES) throw error;
    }
  }
}
