/**
 * Deploys: an app brought from one version to another, or back, as one durable run.
 *
 * <p><b>How it is built; read in this order.</b> {@link org.allod.deploy.DeployService} is the facade. A {@link
 * org.allod.deploy.Plan} says what is wanted. {@code DeployPlanner} compares it with the existing machines and makes
 * the first {@link org.allod.deploy.DeployState}. {@code DeployReducer}, a pure function, decides what follows each
 * event. {@code DeployDriver} carries out the effects that are due through {@code DeployOperations}, whose
 * implementation uses only the facade of {@code machine}. {@code DeployRun} is the run type around it.
 * docs/decisions/120 has the reasons.
 *
 * <p><b>The rule behind it:</b> which effects are due is a function of the state, and the state is durable before any
 * of them begins. After {@code kill -9} the state is read and the due effects begin again; each looks for what is
 * already there.
 *
 * <p><b>Thread rule.</b> The public types are safe from any thread. The thread of the run's step drives a deploy; each
 * effect runs on a thread of its own.
 *
 * <p>Depends on {@code machine}, {@code image}, {@code fsm}, {@code store} and {@code base}.
 */
@NullMarked
package org.allod.deploy;

import org.jspecify.annotations.NullMarked;
