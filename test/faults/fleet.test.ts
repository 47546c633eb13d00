import { agentScenarios } from './scenarios/agents.ts';
import { fleetStage } from './scenarios/fleet-stage.ts';
import { frozenScenarios } from './scenarios/frozen.ts';
import { outageScenarios } from './scenarios/outages.ts';
import { restartScenarios } from './scenarios/restart.ts';
import { startScenarios } from './scenarios/starts.ts';
import { workerScenarios } from './scenarios/workers.ts';

const stage = fleetStage();

workerScenarios(stage);
agentScenarios(stage);
frozenScenarios(stage);
startScenarios(stage);
outageScenarios(stage);
restartScenarios(stage);
