package org.allod.api;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import org.allod.base.Ids;

/** Collects requests with their bodies. What is refused here is answered as everywhere: with a body that says why. */
final class WholeRequests extends HttpObjectAggregator {
    private final int most;
    private final Ids ids;

    /** @param most bytes a body may have */
    WholeRequests(int most, Ids ids) {
        super(most);
        this.most = most;
        this.ids = ids;
    }

    private Answer.Json tooLarge() {
        return ErrorBody.of(413, "the body is too large: at most %d bytes are taken".formatted(most));
    }

    /** Handed on, so that it is answered in its turn; what is left of the body is read and dropped. */
    @Override
    protected void handleOversizedMessage(ChannelHandlerContext context, HttpMessage oversized) {
        String method =
                oversized instanceof HttpRequest request ? request.method().name() : "";
        context.fireChannelRead(new Arrival.Unfit(tooLarge(), method, HttpUtil.isKeepAlive(oversized)));
    }

    /** What is said to who asks first whether to send the body (Expect); nothing where nobody asks. */
    @Override
    protected Object newContinueResponse(HttpMessage start, int maxContentLength, ChannelPipeline pipeline) {
        Object answer = super.newContinueResponse(start, maxContentLength, pipeline);
        if (!(answer instanceof FullHttpResponse refusal) || refusal.status().code() < 400) {
            return answer;
        }
        int status = refusal.status().code();
        refusal.release();
        Answer.Json body =
                status == 413 ? tooLarge() : ErrorBody.of(status, "the only expectation known here is 100-continue");
        FullHttpResponse said = ApiConnection.whole(body);
        said.headers().set(ApiConnection.REQUEST_ID, ids.ulid().toString());
        HttpUtil.setKeepAlive(said, HttpUtil.isKeepAlive(start));
        return said;
    }

    @Override
    protected boolean closeAfterContinueResponse(Object answer) {
        return answer instanceof FullHttpResponse response && !HttpUtil.isKeepAlive(response);
    }
}
