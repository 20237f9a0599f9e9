export { type LimiterFixture, limiterConformance } from './limiter-conformance.ts';
