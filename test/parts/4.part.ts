import { loadPart } from './part.ts';

await loadPart(import.meta.filename);
