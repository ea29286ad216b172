/**
 * Deploys: an app brought from one version to another, or back, as one durable run.
 *
 * <p>{@link org.allod.deploy.DeployService} is the door. A {@link org.allod.deploy.Plan} says what is wanted; {@code DeployPlanner}
 * compares it with the machines that are there and makes the first {@link org.allod.deploy.DeployState}; {@code
 * Deploying} is the pure reducer that decides what follows each event; {@code DeployDriver} has the effects that are due
 * carried out through {@code DeployOperations}, which uses nothing but the door of {@code machine}; {@code DeployRun} is the run of
 * {@code fsm} around it. docs/decisions/120 says why it has this shape.
 *
 * <p>The one rule everything follows from: <b>what is due is a function of the state, and the state is durable before
 * anything is done because of it.</b> After {@code kill -9} the state is read and what is due is begun again; every
 * effect looks for what is already there.
 *
 * <p>Thread rule: the public types are safe from any thread. A deploy is driven by the thread of its run's step, its
 * effects each on a thread of their own. Depends on {@code machine}, {@code image}, {@code fsm}, {@code store}, {@code
 * base}.
 */
@NullMarked
package org.allod.deploy;

import org.jspecify.annotations.NullMarked;
