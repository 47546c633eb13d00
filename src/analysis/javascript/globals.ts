const NODE =
  'process Buffer console setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate queueMicrotask ' +
  'structuredClone global require module exports __dirname __filename URL URLSearchParams TextEncoder TextDecoder ' +
  'AbortController AbortSignal Event EventTarget MessageChannel MessagePort MessageEvent BroadcastChannel performance ' +
  'fetch Request Response Headers FormData Blob File ReadableStream WritableStream TransformStream CompressionStream ' +
  'DecompressionStream TextDecoderStream TextEncoderStream WebSocket EventSource crypto Crypto CryptoKey SubtleCrypto ' +
  'navigator atob btoa WebAssembly DOMException PerformanceObserver';
const BROWSER =
  'window document self location history localStorage sessionStorage indexedDB alert confirm prompt XMLHttpRequest ' +
  'requestAnimationFrame cancelAnimationFrame requestIdleCallback cancelIdleCallback getComputedStyle matchMedia screen ' +
  'HTMLElement HTMLInputElement HTMLCanvasElement HTMLImageElement Element Node NodeList DOMParser MutationObserver ' +
  'IntersectionObserver ResizeObserver CustomEvent KeyboardEvent MouseEvent PointerEvent TouchEvent DragEvent ' +
  'ClipboardEvent FileReader FileList Image Audio Worker SharedWorker ServiceWorker caches clients importScripts ' +
  'postMessage addEventListener removeEventListener dispatchEvent scrollTo scrollBy open close focus innerWidth ' +
  'innerHeight customElements ShadowRoot DocumentFragment XMLSerializer Notification speechSynthesis jQuery $ React JSX';
const TESTS =
  'describe it test expect jest vi suite specify before after beforeEach afterEach beforeAll afterAll context assert ' +
  'sinon chai cy Cypress browser page fail pending xit xdescribe fit fdescribe mocha bench Deno Bun';

/** Names that are there without a declaration, wherever the code runs: only a misspelt name should be unknown. */
export const KNOWN_GLOBALS: Readonly<Record<string, 'readonly'>> = Object.fromEntries(
  [NODE, BROWSER, TESTS].flatMap((names) => names.split(' ')).map((name) => [name, 'readonly'] as const),
);
