// `npm run k8s:render`: writes deploy/k8s/rendered anew, with kubectl.
import { writeRendered } from './rendering.ts';

writeRendered();
