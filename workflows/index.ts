export { dag } from './dag.ts';
