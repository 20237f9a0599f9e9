// `npm run k8s:render`: writes what is made of other files anew: the alerts' PrometheusRule, then deploy/k8s/rendered, with kubectl.
import { writePrometheusRules } from './prometheus-rules.ts';
import { writeRendered } from './rendering.ts';

writePrometheusRules();
writeRendered();
