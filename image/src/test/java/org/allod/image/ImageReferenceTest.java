package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageReferenceTest {
    private static final String HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    @ParameterizedTest
    @CsvSource({
        "nginx, docker.io/library/nginx:latest",
        "nginx:1.27, docker.io/library/nginx:1.27",
        "user/app, docker.io/user/app:latest",
        "docker.io/nginx, docker.io/library/nginx:latest",
        "index.docker.io/user/app:v1, docker.io/user/app:v1",
        "localhost/app, localhost/app:latest",
        "localhost:5000/app, localhost:5000/app:latest",
        "registry.example/a/b/c:T-1_x.y, registry.example/a/b/c:T-1_x.y",
        "[::1]:5000/app, [::1]:5000/app:latest",
        "nginx@sha256:" + HEX + ", docker.io/library/nginx@sha256:" + HEX,
        "r.example/x:v1@sha256:" + HEX + ", r.example/x:v1@sha256:" + HEX,
        "a__b/c-d--e.f, docker.io/a__b/c-d--e.f:latest"
    })
    void shortForm_isFilledInAsDockerDoes(String text, String whole) {
        assertThat(ImageReference.parse(text)).hasToString(whole);
        assertThat(ImageReference.parse(whole)).isEqualTo(ImageReference.parse(text));
    }
}
