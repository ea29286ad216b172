package org.allod.host;

import org.allod.base.Failed;
import org.allod.image.ImageLibrary;
import org.allod.machine.AppEnd;
import org.allod.store.Tx;

/** Takes from an app what images it was given, when it is deleted: the next app of its name is somebody else's. */
record ImageGrants(ImageLibrary images) implements AppEnd {
    @Override
    public void in(Tx tx, String app) {
        // Not in the database: see after.
    }

    @Override
    public void after(String app) {
        try {
            images.forgetApp(app);
        } catch (Failed e) {
            // The app is gone by now, and its deletion works on a full disk. In memory it is forgotten already, and a
            // start forgets apps that are not there.
            System.getLogger("allod.host")
                    .log(
                            System.Logger.Level.WARNING,
                            "it is not on disk that app " + app + " has no images: " + e.getMessage());
        }
    }
}
