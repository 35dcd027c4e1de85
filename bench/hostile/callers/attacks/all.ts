import type { Attack } from '../attack.ts';
import { bodies } from './bodies.ts';
import { crowds } from './crowds.ts';
import { floods } from './floods.ts';
import { heads } from './heads.ts';
import { slow } from './slow.ts';

export const ATTACKS: readonly Attack[] = [...floods, ...heads, ...bodies, ...crowds, ...slow];
