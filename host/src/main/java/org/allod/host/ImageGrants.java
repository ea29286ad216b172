package org.allod.host;

import org.allod.base.FailedException;
import org.allod.image.LocalImageStore;
import org.allod.machine.AppDeletionListener;
import org.allod.store.Transaction;

/** Takes from an app what images it was given, when it is deleted: the next app of its name is somebody else's. */
record ImageGrants(LocalImageStore images) implements AppDeletionListener {
    @Override
    public void in(Transaction tx, String app) {
        // Not in the database: see after.
    }

    @Override
    public void after(String app) {
        try {
            images.forgetApp(app);
        } catch (FailedException e) {
            // The app is gone by now, and its deletion works on a full disk. In memory it is forgotten already, and a
            // start forgets apps that are not there.
            System.getLogger("allod.host")
                    .log(
                            System.Logger.Level.WARNING,
                            "it is not on disk that app " + app + " has no images: " + e.getMessage());
        }
    }
}
