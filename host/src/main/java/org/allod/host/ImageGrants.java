package org.allod.host;

import org.allod.base.FailedException;
import org.allod.image.LocalImageStore;
import org.allod.machine.AppDeletionListener;
import org.allod.store.Transaction;

/** Removes an app's image grants when it is deleted, because the next app of its name may have another owner. */
record ImageGrants(LocalImageStore images) implements AppDeletionListener {
    @Override
    public void in(Transaction tx, String app) {
        // The grants are not in the database; see after.
    }

    @Override
    public void after(String app) {
        try {
            images.forgetApp(app);
        } catch (FailedException e) {
            // The app is deleted by now, and deletion must work on a full disk. The grant is removed in memory already,
            // and a start removes the grants of apps that do not exist.
            System.getLogger("allod.host")
                    .log(
                            System.Logger.Level.WARNING,
                            "it is not on disk that app " + app + " has no images: " + e.getMessage());
        }
    }
}
