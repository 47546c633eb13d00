import { flowScenarios } from './scenarios/flow.ts';
import { killScenarios } from './scenarios/kills.ts';
import { scheduleScenarios } from './scenarios/schedules.ts';
import { stackStage } from './scenarios/stack-stage.ts';

const stage = stackStage();

killScenarios(stage);
flowScenarios(stage);
scheduleScenarios(stage);
