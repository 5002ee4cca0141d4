import { afterAll, beforeAll, inject } from 'vitest';
import { type Deployment, type DeploymentOptions, startDeployment } from './deployment.ts';

/** One deployment for the tests of a file. Its members exist once the tests run. */
export function useDeployment(
  options: Omit<DeploymentOptions, 'postgresUrl' | 'redisUrl'> = {},
  prepare: (deployment: Deployment) => Promise<unknown> = async () => {},
): Deployment {
  const deployment = {} as Deployment;
  beforeAll(async () => {
    const stores = { postgresUrl: inject('postgresUrl'), redisUrl: inject('redisUrl') };
    Object.assign(deployment, await startDeployment({ ...stores, ...options }));
    await prepare(deployment);
  });
  afterAll(() => deployment.close?.());
  return deployment;
}
