// A server with two routes, and no dependencies: what is built from it is this file.
import { createServer } from 'node:http';
import { greeting } from './greeting.js';

const release = process.env.RELEASE_ID ?? 'none';

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname === '/health') return response.end(`ok ${release}\n`);
  if (pathname === '/greet') return response.end(`${greeting(searchParams.get('name') ?? 'world')}\n`);
  return response.writeHead(404).end('not found\n');
}).listen(Number(process.env.PORT), '127.0.0.1');
