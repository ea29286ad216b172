package org.allod.host;

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
        images.forgetApp(app);
    }
}
