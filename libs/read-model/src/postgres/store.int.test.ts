import { orderViewConformance } from '../testing/index.ts';
import { openPostgresStore } from './open-test-store.ts';

orderViewConformance('PostgreSQL', openPostgresStore);
